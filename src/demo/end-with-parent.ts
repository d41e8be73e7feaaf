/** Loaded before the control plane with `--import`: when the demo is gone, however it went, nothing of it stays behind. */
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));

/** What a service answers of a call that went wrong. */
exports.told = (error) => ({ code: error.cause?.code ?? error.code ?? error.name, status: error.response?.status });

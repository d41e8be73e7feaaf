const { createServer, get } = require('node:http');
const { serve } = require('./serve.cjs');

serve({ createServer, get });

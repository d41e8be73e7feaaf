const { credentials, makeGenericClientConstructor } = require('@grpc/grpc-js');
const { Redis } = require('ioredis');
const { Pool } = require('pg');
const { request } = require('undici');
const { callAll } = require('./call-clients.cjs');

void callAll({ credentials, makeGenericClientConstructor, Redis, Pool, request });

import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { Redis } from 'ioredis';
import pg from 'pg';
import { request } from 'undici';
import { callAll } from './call-clients.cjs';

await callAll({ credentials, makeGenericClientConstructor, Redis, Pool: pg.Pool, request });

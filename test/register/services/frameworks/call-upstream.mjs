import http from 'node:http';
import axios from 'axios';
import { told } from './told.cjs';

const url = `${process.env.UPSTREAM_URL}/items`;

const byFetch = async () => {
  const response = await fetch(url);
  return { status: response.status, body: await response.text() };
};

const byHttp = () =>
  new Promise((resolve, reject) => {
    http
      .get(url, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text) => {
          body += text;
        });
        response.on('end', () => resolve({ status: response.statusCode, body }));
      })
      .on('error', reject);
  });

const byAxios = async () => {
  const { status, data } = await axios.get(url);
  return { status, body: data };
};

const CLIENTS = { fetch: byFetch, http: byHttp, axios: byAxios };

/** Calls the upstream by one of the clients; a call that goes wrong is an answer too. */
export const callUpstream = (client) => CLIENTS[client]().catch(told);

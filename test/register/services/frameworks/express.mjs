import express from 'express';
import { callUpstream } from './call-upstream.mjs';

const app = express();
app.get('/:client', async (request, response) => {
  response.json(await callUpstream(request.params.client));
});
const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));

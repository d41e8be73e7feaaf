const express = require('express');
const { callUpstream } = require('./call-upstream.cjs');

const app = express();
app.get('/:client', async (request, response) => {
  response.json(await callUpstream(request.params.client));
});
const server = app.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));

require('reflect-metadata');
const { Controller, Get, Module, Param } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { callUpstream } = require('./call-upstream.cjs');

class UpstreamController {
  call(client) {
    return callUpstream(client);
  }
}
Param('client')(UpstreamController.prototype, 'call', 0);
Get(':client')(
  UpstreamController.prototype,
  'call',
  Object.getOwnPropertyDescriptor(UpstreamController.prototype, 'call'),
);
Controller()(UpstreamController);

class AppModule {}
Module({ controllers: [UpstreamController] })(AppModule);

NestFactory.create(AppModule, { logger: false }).then(async (app) => {
  await app.listen(0, '127.0.0.1');
  console.log(`listening on ${app.getHttpServer().address().port}`);
});

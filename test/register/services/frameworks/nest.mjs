import 'reflect-metadata';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { callUpstream } from './call-upstream.mjs';

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

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
console.log(`listening on ${app.getHttpServer().address().port}`);

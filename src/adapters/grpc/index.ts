export type { GrpcCall } from './grpc-call.ts';
export { grpcInterceptor } from './grpc-interceptor.ts';
export { type GrpcModule, installGrpcGuard } from './install-grpc-guard.ts';

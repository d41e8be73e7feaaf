export { guardAxios } from './guard-axios.ts';

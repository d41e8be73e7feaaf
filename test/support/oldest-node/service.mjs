import { createServer, get } from 'node:http';
import { serve } from './serve.cjs';

serve({ createServer, get });

import { fileURLToPath } from 'node:url';
import express, { Router } from 'express';

const FOLDER = fileURLToPath(new URL('../console/', import.meta.url));

/** The console's own files, readable without a token: the page asks for one. Other files of its folder are not served. */
export function consoleFiles(): Router {
  const router = Router();
  const files = express.static(FOLDER, {
    index: 'index.html',
    dotfiles: 'ignore',
    redirect: false,
    cacheControl: false,
  });
  router.get(/^\/(?:[\w-]+\.(?:html|js|css|svg|png|ico|woff2))?$/, (request, response, next) => {
    response.set('Cache-Control', 'no-cache');
    files(request, response, next);
  });
  return router;
}

// Devices below the manager's own name: one site to a browser, so SameSite protects nothing.
import { layoutStories } from '../stage/layout-stories.ts';
import { test } from '../stage/test.ts';

// A hostile page provokes refusals.
test.use({
  layout: 'same-site',
  ignoreHTTPSErrors: true,
  expectedErrors: /4[03]\d|Content Security Policy|frame-ancestors|CORS|ERR_|WebSocket|refused/i,
});

layoutStories();

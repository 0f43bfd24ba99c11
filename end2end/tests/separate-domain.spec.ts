// Devices below a registrable domain of their own: the documented default.
import { layoutStories } from '../stage/layout-stories.ts';
import { test } from '../stage/test.ts';

// A hostile page provokes refusals.
test.use({
  layout: 'separate',
  ignoreHTTPSErrors: true,
  expectedErrors: /4[03]\d|Content Security Policy|frame-ancestors|CORS|ERR_|WebSocket|refused/i,
});

layoutStories();

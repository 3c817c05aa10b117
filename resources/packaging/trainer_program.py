"""Where the packaged app's trainer begins, with torch and without Qt; `embedviz train` is handed over to it."""

import sys

from embedviz.__main__ import main

sys.exit(main())

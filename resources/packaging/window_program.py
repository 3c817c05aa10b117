"""Where the packaged app's window program begins, with Qt and without torch; and its command line."""

import sys

from embedviz.__main__ import main

sys.exit(main())

"""The hook as clients start it: by the path of this file, isolated from the folder they work in.

``python -I -S …/signalbox/hook/__main__.py claude`` reads neither PYTHONPATH nor the working directory nor site
packages; the one folder added here is our own, behind the standard library.
"""

import sys

if __name__ == "__main__":
    sys.path.append(__file__.rpartition("signalbox")[0] or ".")
    from signalbox.hook.program import main

    main(sys.argv[1:])

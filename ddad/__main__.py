from ddad.cli import main

raise SystemExit(main())

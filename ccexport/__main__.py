"""`python -m ccexport`: the command line."""

from ccexport.cli.main import main

if __name__ == "__main__":
    main()

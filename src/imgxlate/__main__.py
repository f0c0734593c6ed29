"""`python -m imgxlate`."""

from imgxlate.cli.app import main

if __name__ == "__main__":
    main()

"""`python -m storeops`: the one line where the core names a front end."""

from commands.main import main

if __name__ == "__main__":
    main()

"""`python -m fer_core`."""

from fer_core.cli.main import main

if __name__ == "__main__":
    main()

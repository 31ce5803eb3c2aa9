"""`python -m pipelines` is the same as the command `medmix`."""

from pipelines.cli import main

if __name__ == "__main__":
    main()

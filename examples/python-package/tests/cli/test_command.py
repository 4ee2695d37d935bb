import subprocess


def test_reads_standard_input():
    done = subprocess.run(
        ["wordtally"], input="to be or not to be", capture_output=True, text=True, check=True
    )
    assert done.stdout == "2\tbe\n2\tto\n1\tnot\n1\tor\n"

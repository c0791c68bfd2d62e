version 1.0

# A scatter, each call a job. The first attempt of number 3 fails, and every one of `failing`.
workflow squares {
  input {
    Int failing = -1
  }
  scatter (number in range(10)) {
    call square { input: number = number, failing = failing }
  }
  call sum { input: files = square.file }
  output {
    Int total = sum.total
  }
}

task square {
  input {
    Int number
    Int failing
  }
  command <<<
    echo >> ../attempts
    attempt=$(wc -l < ../attempts)
    echo "attempt $attempt" >&2
    # miniwdl-aws has tee copy this into the job's log, and does not wait for tee at the end
    until grep -q "attempt $attempt" ../stderr.txt; do sleep 0.05; done
    case ~{number}.$attempt in 3.1) exit 75;; ~{failing}.*) exit 2;; esac
    echo $((~{number} * ~{number})) > squared
  >>>
  output {
    File file = "squared"
  }
  runtime {
    maxRetries: 1
  }
}

task sum {
  input {
    Array[File] files
  }
  command <<<
    awk '{ total += $1 } END { print total }' ~{sep=" " files}
  >>>
  output {
    Int total = read_int(stdout())
  }
}

test "all_mistakes_are_told_and_nothing_starts" {
  tags = ["configuration"]
  run {
    flow = "typo.hcl"
  }
  expect {
    exit_code = 78
    stdout {
      count = 0
    }
    stderr {
      contains = ["did you mean \"codec\"?", "did you mean connector.edge?"]
      matches  = ["^typo.hcl:3,3-8: error: ", "^2 errors$"]
      absent   = ["listens"]
    }
  }
}

test "missing_tls_files_fail_the_start" {
  tags = ["configuration", "tls"]
  run {
    flow = "certificate.hcl"
  }
  expect {
    exit_code = 78
    stderr {
      contains = ["missing.cert"]
      absent   = ["listens"]
    }
  }
}

test "validate_says_the_same" {
  tags = ["configuration"]
  run {
    command = ["flowrun", "validate", "typo.hcl"]
  }
  expect {
    exit_code = 78
    stderr {
      matches = ["^2 errors$"]
    }
  }
}

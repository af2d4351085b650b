# Compares what a run gave (RESULTS: "verdict test") with what is expected (EXPECTED: "verdict test: why", verdict pass, waits
# or exempt; `pass?` comes and goes). Prints the differences and the counts; fails if a test that should pass does not or did
# not run although others of its file or package did, or if the run has tests that the list has not.
#   awk -f compare.awk EXPECTED RESULTS
function group(test) {
    sub(/::.*/, "", test)
    sub(/\.Test.*/, "", test)
    return test
}
FILENAME == ARGV[1] {
    if ($0 ~ /^#/ || NF < 2) next
    test = $2
    sub(/:$/, "", test)
    want[test] = $1
    why[test] = substr($0, index($0, $2) + length($2) + 1)
    next
}
{
    have[$2] = $1
    total[$1]++
    ran[group($2)] = 1
    if (!($2 in want)) { print "not in the list: " $1 " " $2; wrong++; next }
    if (want[$2] == "pass" && $1 != "pass") { print "passes no longer: " $2 " (" $1 ")"; wrong++ }
    if (want[$2] !~ /^pass/ && $1 == "pass") print "passes now; the list: " want[$2] ": " $2 ": " why[$2]
    if (want[$2] !~ /^pass/ && $1 != "pass") known[want[$2]]++
}
END {
    for (test in want)
        if (want[test] == "pass" && !(test in have) && group(test) in ran) { print "did not run: " test; wrong++ }
    printf "passed %d, failed %d, skipped %d", total["pass"], total["fail"], total["skip"]
    printf "; of those that do not pass %d wait and %d are exempt\n", known["waits"], known["exempt"]
    exit wrong > 0
}

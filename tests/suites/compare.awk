# Compares what a run gave (RESULTS: "verdict test") with what is expected (EXPECTED: "verdict test: why", verdict pass, waits
# or exempt; a verdict with `?` comes and goes). Prints the differences and the counts; fails if a test that should pass does
# not, or if the run has tests that the list has not.
#   awk -f compare.awk EXPECTED RESULTS
FNR == NR {
    if ($0 ~ /^#/ || NF < 2) next
    split($0, parts, ": ")
    split(parts[1], head, " ")
    want[head[2]] = head[1]
    why[head[2]] = parts[2]
    next
}
{
    have[$2] = $1
    total[$1]++
    if (!($2 in want)) { print "not in the list: " $1 " " $2; wrong++; next }
    expected = want[$2]
    if (expected == "pass" && $1 != "pass") { print "no longer passes: " $2 " (" $1 ")"; wrong++ }
    if (expected != "pass" && expected !~ /\?$/ && $1 == "pass")
        print "passes now, the list says " expected ": " $2 ": " why[$2]
    if (expected !~ /^pass/ && $1 != "pass") known[expected]++
}
END {
    printf "passed %d, failed %d, skipped %d", total["pass"], total["fail"], total["skip"]
    printf "; of those that do not pass %d wait and %d are exempt\n", known["waits"], known["exempt"]
    exit wrong > 0
}

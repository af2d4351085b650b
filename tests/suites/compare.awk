# Compares what a run gave (RESULTS: "verdict test") with what is expected (EXPECTED: "verdict test: why", verdict pass, waits
# or exempt; `pass?` comes and goes). For each package or file that ran, and in all: how many of the tests that pass on Docker
# passed, and which are missing, with the reason. Fails if a test that should pass does not or did not run although others of
# its file or package did, or if the run has tests that the list has not.
#   awk -f compare.awk EXPECTED RESULTS
function group(test) {
    sub(/::.*/, "", test)
    sub(/\.Test.*/, "", test)
    return test
}
function name(test) {
    sub(/.*::/, "", test)
    sub(/.*\.Test/, "Test", test)
    return test
}
# One line: "WHAT: N of M; missing: ..."; a long list is told by reasons alone.
function tell(what, passed, all, names, reasons, count,    line, reason) {
    line = what ": " passed " of " all
    if (all > passed) line = line "; missing " all - passed ": "
    if (count <= 12) { print line names; return }
    names = ""
    for (reason in reasons) names = names (names == "" ? "" : ", ") reasons[reason] " " reason
    print line names
}
FILENAME == ARGV[1] {
    if ($0 ~ /^#/ || NF < 2) next
    test = $2
    sub(/:$/, "", test)
    want[test] = $1
    order[++listed] = test
    why[test] = substr($0, index($0, $2) + length($2) + 1)
    next
}
{
    # Run twice, it has to pass twice.
    if (!($2 in have) || $1 == "fail") have[$2] = $1
    if (!ran[group($2)]++) groups[++grouped] = group($2)
    if (!($2 in want)) { print "not in the list: " $1 " " $2; wrong++ }
}
END {
    for (g = 1; g <= grouped; g++) {
        passed = all = count = 0
        names = ""
        split("", reasons)
        for (i = 1; i <= listed; i++) {
            test = order[i]
            if (group(test) != groups[g]) continue
            verdict = test in have ? have[test] : "did not run"
            ok = verdict == "pass"
            expected = want[test]
            if (expected == "pass" && !ok) { print "should pass: " test " (" verdict ")"; wrong++ }
            # What fails or is skipped on Docker here is not asked for.
            if (expected == "exempt" && why[test] ~ / on Docker on such a machine/) continue
            if (expected !~ /^pass/ && ok) print "passes now; the list: " expected ": " test ": " why[test]
            all++
            if (ok) { passed++; continue }
            reason = expected == "waits" ? "waits for " why[test] : expected == "exempt" ? "exempt: " why[test] : verdict
            names = names (count++ ? ", " : "") name(test) " (" reason ")"
            reasons[reason]++
            every[reason]++
        }
        tell(groups[g], passed, all, names, reasons, count)
        passed_all += passed
        all_all += all
        count_all += count
    }
    if (grouped > 1) tell("together", passed_all, all_all, "see above", every, count_all ? 99 : 0)
    if (!grouped) { print "nothing ran"; wrong++ }
    if (wrong) print wrong " not as listed"
    exit wrong > 0
}

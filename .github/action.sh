#!/usr/bin/env bash
# The steps of action.yml. What a workflow passes comes in variables and is never read as a script.
#
# Written for the bash 3.2 that macOS has.
set -euo pipefail

main() {
    case "${1-}" in
        sources) sources ;;
        build) build ;;
        install) install ;;
        run) run ;;
        *)
            echo "usage: action.sh sources|build|install|run" >&2
            exit 2
            ;;
    esac
}

# What is built, as one hash, and where it goes. The expression hashFiles() sees nothing outside the workspace.
sources() {
    local hash
    hash=$(
        cd "$GITHUB_ACTION_PATH"
        find . \( -path ./.git -o -path ./.lab -o -path ./target -o -path ./tests \) -prune -o -type f -print |
            LC_ALL=C sort | tr '\n' '\0' | xargs -0 cat | digest
    )
    output hash "$hash"
    output folder "$(built)"
}

digest() {
    if command -v sha256sum >/dev/null; then
        sha256sum
    else
        shasum -a 256
    fi | cut -d ' ' -f 1
}

built() {
    printf '%s/hoop-doctor/bin' "$RUNNER_TEMP"
}

build() {
    if ! command -v cargo >/dev/null; then
        echo '::error title=hoop-doctor::there is no cargo here to build it with; pass a program as the input "hoop-doctor"'
        exit 2
    fi
    cargo install --quiet --locked --path "$GITHUB_ACTION_PATH" --root "$(dirname "$(built)")"
}

# Later steps find the program on their path, whatever this one is asked to do with it.
install() {
    built >>"$GITHUB_PATH"
    echo >>"$GITHUB_PATH"
}

run() {
    local folder
    folder=$(mktemp -d "$RUNNER_TEMP/hoop-doctor-run.XXXXXX")
    arguments=("$WITH_COMMAND" -o human -o "github=$folder/annotations" -o "json=$folder/report.json")
    option --grpc-url "$WITH_GRPC_URL"
    option --api-url "$WITH_API_URL"
    option --as "$WITH_AS"
    option --wait "$WITH_WAIT"
    option --fail-on "$WITH_FAIL_ON"
    option --save "$WITH_SAVE"
    option --output "${WITH_JUNIT:+junit=$WITH_JUNIT}"
    option --output "${WITH_SARIF:+sarif=$WITH_SARIF}"
    option --output "${WITH_HTML:+html=$WITH_HTML}"
    each_line "$WITH_ARGS"
    arguments+=(--)
    each_line "$WITH_FILES"

    # The report quotes what servers said. Until the token comes again, the runner takes no line of it for a command.
    local token exit_code=0
    token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    echo "::stop-commands::$token"
    CLICOLOR_FORCE=${CLICOLOR_FORCE-1} COLUMNS=${COLUMNS-120} "${WITH_PROGRAM:-hoop-doctor}" "${arguments[@]}" || exit_code=$?
    echo "::$token::"

    output exit-code "$exit_code"
    case $exit_code in
        0 | 1 | 3) ;;
        *) echo '::error title=hoop-doctor::an argument is wrong, or a file can'"'"'t be read or written; the log of this step says which' ;;
    esac
    if [[ -s $folder/annotations ]]; then
        cat "$folder/annotations"
    fi
    if [[ -s $folder/report.json ]]; then
        output report "$folder/report.json"
        outputs_of "$folder/report.json"
    fi
    exit "$exit_code"
}

# An option, unless its input was left empty. A value that begins with a dash is still a value.
option() {
    if [[ -n $2 ]]; then
        arguments+=("$1=$2")
    fi
}

each_line() {
    local line
    while IFS= read -r line; do
        if [[ -n $line ]]; then
            arguments+=("$line")
        fi
    done <<<"$1"
}

outputs_of() {
    if ! command -v jq >/dev/null; then
        echo '::warning title=hoop-doctor::there is no jq here: the outputs "verdict" and "code" stay empty'
        return
    fi
    output verdict "$(jq -r .verdict "$1")"
    # An info is no cause of anything, and may be all that there is.
    output code "$(jq -r '[.findings[] | select(.severity != "info").code][0] // ""' "$1")"
}

output() {
    printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

main "$@"

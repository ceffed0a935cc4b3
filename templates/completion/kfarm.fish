# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completion of kfarm's command line in fish.  `kfarm complete` prints the
# matches.

function __kfarm_complete
    set -l before (commandline -opc)
    set -l typed (commandline -ct)
    # A word with an open quote cannot be unescaped, so only remove the quote.
    set -l word (string unescape -- "$typed")
    or set word (string trim -l -c '"\'' -- "$typed")
    set -l answer (command kfarm complete fish $before[2..-1] "$word" 2>/dev/null)
    set -q answer[1]; or return
    if set -q answer[2]
        printf '%s\n' $answer[2..-1]
    end
    # Complete the part of the word after --option=, VARIABLE= or -o.
    set -l kept (string match -r -- '^(?:--[^=]*=|[A-Z_]+=|-[^-])' "$word")
    set -l path (string replace -- "$kept[1]" '' "$word")
    switch $answer[1]
        case ':command *'
            set -l at (math (string replace ':command ' '' $answer[1]) + 1)
            set -l line (string escape -- $before[$at..-1]) "$word"
            complete -C (string join ' ' -- $line)
        case ':files'
            printf '%s\n' "$kept[1]"(__fish_complete_path "$path")
        case ':dirs'
            printf '%s\n' "$kept[1]"(__fish_complete_directories "$path" '')
    end
end

complete -c kfarm -f -a '(__kfarm_complete)'

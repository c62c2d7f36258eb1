# SPDX-License-Identifier: Apache-2.0
# bash completion of warpnic. The words come from the command itself (`warpnic help --words`), so
# they are always those of the version installed.

_warpnic_names()
{
	# First column of what the subcommand lists, without headings, hints and indented lines.
	warpnic "$1" 2>/dev/null | awk -v skip="$2" 'NR > skip && /^[a-z]/ { print $1 }'
}

_warpnic_link_kinds()
{
	_warpnic_names links 1 | sed 's/:.*/:/'
}

_warpnic_values()
{
	local words=$1 current=$2

	case $words in
	@dir) mapfile -t COMPREPLY < <(compgen -d -- "$current"); compopt -o filenames ;;
	@file) mapfile -t COMPREPLY < <(compgen -f -- "$current"); compopt -o filenames ;;
	@program) mapfile -t COMPREPLY < <(compgen -W "$(_warpnic_names programs 1)" -- "$current") ;;
	@device) mapfile -t COMPREPLY < <(compgen -W "$(_warpnic_names devices 1)" -- "$current") ;;
	@link)
		mapfile -t COMPREPLY < <(compgen -W "$(_warpnic_link_kinds)" -- "$current")
		compopt -o nospace ;;
	@deliver)
		if [[ $current == uring:file:* ]]; then
			mapfile -t COMPREPLY < <(compgen -P uring:file: -f -- "${current#uring:file:}")
		else
			mapfile -t COMPREPLY < <(compgen -W uring:file: -- "$current")
		fi
		compopt -o nospace ;;
	-) COMPREPLY=() ;;
	*) mapfile -t COMPREPLY < <(compgen -W "${words//|/ }" -- "$current") ;;
	esac
}

_warpnic_operands()
{
	local subcommand=$1 current=$2

	case $subcommand in
	run)
		mapfile -t COMPREPLY < <(compgen -W "$(_warpnic_names programs 1)" -- "$current")
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$current"; compgen -f -X '!*.c' -- "$current")
		compopt -o filenames ;;
	check) mapfile -t COMPREPLY < <(compgen -d -- "$current"; compgen -f -X '!*.c' -- "$current")
		compopt -o filenames ;;
	trace)
		mapfile -t COMPREPLY < <(compgen -W "$(_warpnic_names programs 1)" -- "$current"
			compgen -f -- "$current")
		compopt -o filenames ;;
	reload | stats | stop)
		mapfile -t COMPREPLY < <(compgen -f -X '!*.sock' -- "$current"; compgen -d -- "$current"
			cd "${XDG_RUNTIME_DIR:-/run}" 2>/dev/null &&
				compgen -G 'warpnic-*.sock' | sed 's/warpnic-\(.*\)\.sock/\1/' | grep "^$current")
		compopt -o filenames ;;
	help) mapfile -t COMPREPLY < <(compgen -W "$(warpnic help --words 2>/dev/null)" -- "$current") ;;
	*) COMPREPLY=() ;;
	esac
}

_warpnic()
{
	local current previous table values program
	# A link has colons; readline must not split there.
	if declare -F _get_comp_words_by_ref >/dev/null; then
		local words cword
		_get_comp_words_by_ref -n : words cword
	else
		local words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
	fi
	current=${words[cword]}
	previous=${words[cword - 1]}

	if [ "$cword" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(warpnic help --words 2>/dev/null) --help --version" -- "$current")
		return
	fi
	table=$(warpnic help --words "${words[1]}" 2>/dev/null)
	if [ "${words[1]}" = run ]; then
		# Options that are those of the program named.
		for program in $(_warpnic_names programs 1); do
			[[ " ${words[*]:2} " == *" $program "* ]] || continue
			table=$(warpnic help --words run "$program" 2>/dev/null)
			break
		done
	fi
	values=$(awk -F '\t' -v option="$previous" \
		'$3 != "-" && ($1 == option || $2 == option) { print $4; exit }' <<<"$table")
	if [ -n "$values" ]; then
		_warpnic_values "$values" "$current"
	elif [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(cut -f 1 <<<"$table")" -- "$current")
	else
		_warpnic_operands "${words[1]}" "$current"
	fi
	if declare -F __ltrim_colon_completions >/dev/null; then
		__ltrim_colon_completions "$current"
	fi
}

complete -F _warpnic warpnic

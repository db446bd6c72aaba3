# SPDX-License-Identifier: MIT
#
# bash completion for ruche(1): subcommands, options, the daemon's functions, and the
# words of a command after "--".  Installed as `ruche` where bash-completion looks.

# The subcommand is the first word that is no option and no option's value.
_ruche_find_command() {
	local i
	command='' operand=0
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		--socket | --workers | --plugin | --cwd | --env | --window) ((i++)) ;;
		--)
			operand=$((i + 1))
			dashes=yes
			return
			;;
		-*) ;;
		*)
			if [[ -n $command ]]; then
				operand=$i
				return
			fi
			command=${words[i]}
			;;
		esac
	done
}

# Asks the daemon that the command line names, and gives up soon.
_ruche_functions() {
	local i socket=()
	for ((i = 1; i < cword; i++)); do
		if [[ ${words[i]} == --socket ]]; then
			socket=(--socket "${words[i + 1]}")
		fi
	done
	timeout 1 ruche functions --names "${socket[@]}" 2>/dev/null
}

_ruche_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_ruche_files() {
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}

# The words after "--" are a command's own: its completion, if it has one.
_ruche_command_line() {
	if ((cword == operand)); then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$operand"
	else
		_ruche_files -f
	fi
}

_ruche_options() {
	local common='--socket --private --workers --plugin --json --help --version'
	case $command in
	run) _ruche_words "$common --cwd --env --clear-env" ;;
	map) _ruche_words "$common --window --unordered --progress --no-progress" ;;
	functions) _ruche_words "$common --names" ;;
	*) _ruche_words "$common" ;;
	esac
}

_ruche_operand() {
	case $command in
	'') _ruche_words 'call run map status workers functions ping help' ;;
	help) _ruche_words 'call run map status workers functions ping' ;;
	call | map) _ruche_words "$(_ruche_functions)" ;;
	run) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
	esac
}

_ruche() {
	local command operand dashes=no
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local words=("${COMP_WORDS[@]}") cword=$COMP_CWORD

	COMPREPLY=()
	_ruche_find_command
	if [[ $dashes == yes ]]; then
		_ruche_command_line
		return
	fi
	if ((operand > 0)); then
		if [[ $command == run ]]; then
			_ruche_command_line
		else
			_ruche_files -f
		fi
		return
	fi
	case $prev in
	--socket | --plugin) _ruche_files -f ;;
	--cwd) _ruche_files -d ;;
	--env) mapfile -t COMPREPLY < <(compgen -e -S = -- "$cur") ;;
	--workers | --window) ;;
	*)
		if [[ $cur == -* ]]; then
			_ruche_options
		else
			_ruche_operand
		fi
		;;
	esac
}

complete -F _ruche ruche

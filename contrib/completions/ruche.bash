# SPDX-License-Identifier: MIT
#
# bash completion for ruche(1): subcommands, options, the daemon's functions, and the
# words of a command after "--".  Installed as `ruche` where bash-completion looks.

_ruche_commands='call run map submit wait result log cancel tasks process queue lock event barrier value pipe objects status
	workers functions quarantine pool cpu-count reload upgrade drain pause resume ping'

# _ruche_subcommands GROUP: nothing if it is none
_ruche_subcommands() {
	case $1 in
	process) echo start run call join status result terminate kill ;;
	queue) echo put get size join end ;;
	event) echo set clear wait is-set ;;
	barrier) echo wait ;;
	value) echo create get set add dump ;;
	pipe) echo send receive ;;
	esac
}

# What multiprocessing calls otherwise, and what a group has from elsewhere.
_ruche_resolve() {
	case $command in
	apply) command=call ;;
	apply_async | 'process start') command=submit ;;
	imap | imap_unordered | starmap) command=map ;;
	cpu_count) command=cpu-count ;;
	'process join') command='wait' ;;
	'process terminate' | 'process kill') command=cancel ;;
	process\ *) command=${command#process } ;;
	esac
}

# The subcommand is the first word that is no option and no option's value, and of a group the second one as well.
_ruche_find_command() {
	local i
	command='' group='' operand=0
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		--socket | --workers | --plugin | --cwd | --env | --window | --chunk | --timeout | --deadline | --expires | \
			--delay | --at | --attempts | --retry-on | --backoff | --priority | --key | --key-window | --pool | \
			--tag | --keep | --signal | --release | --count | --maxsize | --wait | -w | --conflict-exit-code | -E | \
			--semaphore | --parties | --type) ((i++)) ;;
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
			if [[ -z $group && -n $(_ruche_subcommands "${words[i]}") ]]; then
				group=${words[i]}
				continue
			fi
			command=${group:+$group }${words[i]}
			_ruche_resolve
			;;
		esac
	done
}

# _ruche_ask SUBCOMMAND OPTION: asks the daemon that the command line names, and gives up soon.
_ruche_ask() {
	local i socket=()
	for ((i = 1; i < cword; i++)); do
		if [[ ${words[i]} == --socket ]]; then
			socket=(--socket "${words[i + 1]}")
		fi
	done
	timeout 1 ruche "$@" "${socket[@]}" 2>/dev/null
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
	local task='--timeout --deadline --expires --delay --at --attempts --retry-on --backoff --priority --key
		--key-window --pool --no-wait --tag'
	case $command in
	call | run | submit) task+=' --process' ;;
	esac
	case $command in
	call) _ruche_words "$common $task" ;;
	run) _ruche_words "$common $task --cwd --env --clear-env" ;;
	submit) _ruche_words "$common $task --cwd --env --clear-env --keep" ;;
	map) _ruche_words "$common $task --chunk --window --unordered --star --progress --no-progress" ;;
	wait) _ruche_words "$common --any --timeout" ;;
	result) _ruche_words "$common --timeout --forget" ;;
	log) _ruche_words "$common --follow" ;;
	cancel) _ruche_words "$common --signal" ;;
	tasks) _ruche_words "$common --ids" ;;
	quarantine) _ruche_words "$common --release" ;;
	functions | objects) _ruche_words "$common --names" ;;
	'queue put') _ruche_words "$common --timeout --maxsize --transient" ;;
	'queue get') _ruche_words "$common --timeout --count --follow --maxsize --transient" ;;
	'queue join' | 'event wait') _ruche_words "$common --timeout" ;;
	'barrier wait') _ruche_words "$common --timeout --parties" ;;
	'value create') _ruche_words "$common --type --count" ;;
	pipe\ *) _ruche_words "$common --timeout --one-way" ;;
	lock) _ruche_words "$common --nonblock --wait --conflict-exit-code --semaphore --close --no-fork" ;;
	*) _ruche_words "$common" ;;
	esac
}

_ruche_operand() {
	case $command in
	'') _ruche_words "$([[ -n $group ]] && _ruche_subcommands "$group" || echo "$_ruche_commands" help)" ;;
	help) _ruche_words "$_ruche_commands" ;;
	call | map | submit) _ruche_words "$(_ruche_ask functions --names)" ;;
	wait | result | log | cancel | status) _ruche_words "$(_ruche_ask tasks --ids)" ;;
	objects) _ruche_words "remove $(_ruche_ask objects --names)" ;;
	queue\ * | event\ * | barrier\ * | value\ * | pipe\ * | lock) _ruche_words "$(_ruche_ask objects --names)" ;;
	pool) _ruche_words resize ;;
	run) mapfile -t COMPREPLY < <(compgen -c -- "$cur") ;;
	esac
}

_ruche() {
	local command group operand dashes=no
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
		elif [[ $command == lock || ($command == 'queue get' && ${words[operand + 1]} == -- && $cword -gt $((operand + 1))) ]]; then
			((operand++)) # the name
			[[ $operand == "$cword" || ${words[operand]} != -- ]] || ((operand++))
			_ruche_command_line
		elif [[ $command == objects ]]; then
			_ruche_words "$(_ruche_ask objects --names)"
		elif [[ $command == *\ * && $cur == -* ]]; then
			_ruche_options
		else
			_ruche_files -f
		fi
		return
	fi
	case $prev in
	--socket | --plugin) _ruche_files -f ;;
	--cwd) _ruche_files -d ;;
	--env) mapfile -t COMPREPLY < <(compgen -e -S = -- "$cur") ;;
	--workers | --window | --chunk | --timeout | --deadline | --expires | --delay | --at | --attempts | --backoff | \
		--priority | --key | --key-window | --pool | --tag | --keep) ;;
	--type) _ruche_words 'int8 uint8 int16 uint16 int32 uint32 int64 uint64 float double' ;;
	--count | --maxsize | --wait | --conflict-exit-code | --semaphore | --parties) ;;
	--retry-on) _ruche_words 'crashed timeout failed' ;;
	--signal) mapfile -t COMPREPLY < <(compgen -A signal -- "$cur") ;;
	--release) _ruche_words "$(_ruche_ask functions --names)" ;;
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

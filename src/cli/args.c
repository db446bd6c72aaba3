/* SPDX-License-Identifier: MIT */
#include "cli/args.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"

int args_pack(const struct cli *cli, msgpack_sbuffer *out, int argc, char *const *argv)
{
	const char *why;
	msgpack_packer pk;
	int broken;

	msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
	for (int i = 0; i < argc; i++) {
		broken = json_arg_pack(&pk, argv[i], strlen(argv[i]), &why);
		if (broken == -ENOMEM)
			return cli_no_memory();
		if (broken < 0)
			return cli_usage(cli, "argument %d: %s", i + 1, why);
	}
	return 0;
}

int args_pack_array(const struct cli *cli, msgpack_sbuffer *out, int argc, char *const *argv)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
	if (msgpack_pack_array(&pk, (size_t)argc) < 0)
		return cli_no_memory();
	return args_pack(cli, out, argc, argv);
}

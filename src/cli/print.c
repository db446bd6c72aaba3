/* SPDX-License-Identifier: MIT */
#include "cli/print.h"

#include "cli/cli.h"
#include "cli/json.h"

int print_finish(struct buf *out, int status)
{
	if (status == 0)
		status = cli_print(out);
	else if (status < 0)
		status = cli_broken(status);
	buf_fini(out);
	return status;
}

int print_result(const struct cli *cli, const struct ruche_reply *reply)
{
	struct buf out = {0};
	const void *data;
	size_t len;
	int broken = ruche_reply_packed(reply, &data, &len);

	if (broken == 0)
		broken = cli->json ? json_append_packed(&out, data, len)
				   : json_append_plain(&out, data, len);
	if (broken == 0)
		broken = buf_append(&out, "\n", 1);
	return print_finish(&out, broken);
}

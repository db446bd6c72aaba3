/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/here.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

char *here_path(const char *path)
{
	char *here, *joined;

	if (path != NULL && *path == '/')
		return strdup(path);
	here = getcwd(NULL, 0);
	if (here == NULL)
		log_error("cannot tell the current directory: %s", strerror(errno));
	if (here == NULL || path == NULL)
		return here;
	if (asprintf(&joined, "%s/%s", here, path) < 0)
		joined = NULL;
	free(here);
	return joined;
}

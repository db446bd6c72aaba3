/* SPDX-License-Identifier: MIT */
#include "worker/forkserver.h"

int main(int argc, char **argv)
{
	return forkserver_main(argc, argv);
}

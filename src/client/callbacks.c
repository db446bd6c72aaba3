/* SPDX-License-Identifier: MIT */
#include <ruche/ruche.h>

#include "client/connection.h"

void ruche_on_output(struct ruche *ruche,
	void (*on_output)(void *user, uint32_t id, int stream, const void *data, size_t len),
	void *user)
{
	if (ruche == NULL)
		return;
	ruche->callbacks.on_output = on_output;
	ruche->callbacks.output_user = user;
}

void ruche_on_progress(
	struct ruche *ruche, void (*on_progress)(void *user, uint32_t id, double value), void *user)
{
	if (ruche == NULL)
		return;
	ruche->callbacks.on_progress = on_progress;
	ruche->callbacks.progress_user = user;
}

void ruche_on_input(
	struct ruche *ruche, void (*on_input)(void *user, uint32_t id, size_t room), void *user)
{
	if (ruche == NULL)
		return;
	ruche->callbacks.on_input = on_input;
	ruche->callbacks.input_user = user;
}

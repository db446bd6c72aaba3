/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CHECK_CLIENT_H
#define TESTS_CHECK_CLIENT_H

#include <check.h>

/* The cases of libruche's suite, one for each file check_client_<name>.c. */
TCase *client_args_case(void);
TCase *client_connection_case(void);
TCase *client_maps_case(void);
TCase *client_notes_case(void);
TCase *client_objects_case(void);
TCase *client_options_case(void);
TCase *client_pace_case(void);
TCase *client_one_way_pipes_case(void);
TCase *client_pipes_case(void);
TCase *client_private_case(void);
TCase *client_processes_case(void);
TCase *client_replies_case(void);
TCase *client_streams_case(void);
TCase *client_shared_case(void);
TCase *client_tasks_case(void);

#endif

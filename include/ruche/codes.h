/* SPDX-License-Identifier: MIT */
#ifndef RUCHE_CODES_H
#define RUCHE_CODES_H

/*
 * What can become of a task, in the words of the wire: shared by the client
 * API, the plugin API and the daemon.  ruche-protocol(7) tells what each means.
 */

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Why a task has no result.  The word on the wire is the name in lower case
 * without the prefix: RUCHE_UNKNOWN_FUNCTION is "unknown_function".
 * RUCHE_OK is never sent: a response without an error is a success.
 */
enum ruche_code {
	RUCHE_OK = 0,
	RUCHE_UNKNOWN_FUNCTION, /* no loaded plugin has a function of this name */
	RUCHE_BAD_ARGUMENTS,    /* the function refused its arguments, or their number */
	RUCHE_FAILED,           /* the function ran and said that it failed */
	RUCHE_CRASHED,          /* the worker died while it ran the function */
	RUCHE_TIMEOUT,          /* it ran longer than it was allowed to */
	RUCHE_CANCELLED,        /* somebody asked for it to be stopped */
	RUCHE_BUSY,             /* a limit was reached; nothing was accepted */
	RUCHE_TOO_LARGE,        /* a frame, an argument or a result over the limit */
	RUCHE_DENIED,           /* the caller may not do this */
	RUCHE_QUARANTINED,      /* this function killed too many workers */
	RUCHE_SHUTTING_DOWN,    /* the daemon is ending */
	RUCHE_UNAVAILABLE,      /* no worker can be started; the message says why */
	RUCHE_PROTOCOL,         /* what was sent is not MessagePack-RPC as we speak it */
	RUCHE_DISCONNECTED,     /* said by libruche alone: the daemon went away */
	RUCHE_UNKNOWN_TASK,     /* no task has this id, or its result is kept no longer */
	RUCHE_PENDING,          /* the wait ran out of time; the task goes on */
	RUCHE_UNKNOWN_OBJECT,   /* no object has this name, or it is not open here */
	RUCHE_EXISTS,           /* an object has this name already */
	RUCHE_NOT_HELD,         /* what was to be given back is not held */
	RUCHE_DEADLOCK,         /* all would wait for each other; the message names them */
	RUCHE_BROKEN,           /* a barrier that one of its members has left */
	RUCHE_CLOSED,           /* a queue that takes no more, or has no more */
	RUCHE_REMOVED,          /* somebody has removed the object */
	RUCHE_CODE_COUNT
};

/*
 * Whether the task was executed.  Only RUCHE_EXECUTED_NO is safe to try again
 * blindly.  The words on the wire are "no", "maybe", "yes".
 */
enum ruche_executed {
	RUCHE_EXECUTED_NO = 0, /* it was never started */
	RUCHE_EXECUTED_MAYBE,  /* it was started, or may have been; how far is not known */
	RUCHE_EXECUTED_YES,    /* it ran to its end */
	RUCHE_EXECUTED_COUNT
};

#ifdef __cplusplus
}
#endif

#endif

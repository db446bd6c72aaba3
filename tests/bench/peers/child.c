/* SPDX-License-Identifier: MIT */

/*
 * The processes of a run.  Whatever happens, nothing is left behind: each process that is
 * started here dies with this one (PR_SET_PDEATHSIG), and a janitor, a process that only
 * waits for our end, then removes the temporary folder.
 */

#include "peer.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A server that does not listen after so many seconds never will. */
#define PATIENCE 5

/* ---- the temporary folder --------------------------------------------------------------- */

/* There are only sockets and files in it. */
static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);

	if (folder == NULL)
		return;
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
	rmdir(path);
}

/*
 * Ctrl-C and the like are for the run, not for the janitor.  Its standard streams are closed
 * so that nobody who reads them waits for it.
 */
static _Noreturn void be_janitor(struct run *run)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	char byte;

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], SIG_IGN);
	close(run->janitor[1]);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	while (read(run->janitor[0], &byte, 1) < 0 && errno == EINTR)
		continue;
	remove_folder(run->folder);
	_exit(0);
}

static void start_janitor(struct run *run)
{
	if (pipe2(run->janitor, O_CLOEXEC) < 0)
		peer_die("pipe");
	run->cleaner = fork();
	if (run->cleaner < 0)
		peer_die("fork");
	if (run->cleaner == 0)
		be_janitor(run);
	close(run->janitor[0]);
}

/* ---- addresses -------------------------------------------------------------------------- */

static struct sockaddr_in address_of(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* Nobody holds it until the server does; the kernel does not give it out again soon. */
static int find_port(void)
{
	struct sockaddr_in address = address_of(0);
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		peer_die("no port is free");
	close(fd);
	return ntohs(address.sin_port);
}

static int connect_tcp(int port)
{
	struct sockaddr_in address = address_of(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		peer_die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		peer_die("socket");
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

int run_dial(const struct run *run)
{
	static const struct timespec pause = {.tv_nsec = 500000};
	double start = cost_clock();
	int fd;

	do {
		fd = run->port != 0 ? connect_tcp(run->port) : connect_unix(run->socket);
		if (fd >= 0)
			return fd;
		nanosleep(&pause, NULL);
	} while (cost_clock() - start < PATIENCE);
	peer_die("the server does not listen");
}

/* ---- preparing -------------------------------------------------------------------------- */

static bool is_program_in(const char *folder, size_t length, const char *name, char *ret_path)
{
	int size = snprintf(ret_path, PATH_MAX, "%.*s/%s", (int)length, folder, name);

	return size < PATH_MAX && access(ret_path, X_OK) == 0;
}

bool run_find_program(const char *name, char ret_path[static PATH_MAX])
{
	static const char *const others[] = {"/usr/sbin", "/usr/local/sbin"};
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0') {
		size_t length = strcspn(path, ":");

		if (is_program_in(path, length, name, ret_path))
			return true;
		path += length + (path[length] == ':');
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (is_program_in(others[i], strlen(others[i]), name, ret_path))
			return true;
	return false;
}

void run_prepare(struct run *run)
{
	const char *base = getenv("TMPDIR");
	int size;

	if (base == NULL || strlen(base) > sizeof run->folder - sizeof "/peer-XXXXXX")
		base = "/tmp";
	size = snprintf(run->folder, sizeof run->folder, "%s/peer-XXXXXX", base);
	if (size >= (int)sizeof run->folder || mkdtemp(run->folder) == NULL)
		peer_die("cannot make a temporary folder");
	snprintf(run->socket, sizeof run->socket, "%s/socket", run->folder);
	if (run->peer->has_port)
		run->port = find_port();
	start_janitor(run);
}

/* ---- starting and stopping -------------------------------------------------------------- */

static pid_t start_child(struct run *run, void (*body)(struct run *run))
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		peer_die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before the line above. */
	if (getppid() != parent)
		_exit(1);
	close(run->janitor[1]);
	body(run);
	_exit(1);
}

/* The pipe is made after the server was started, so that only workers hold it. */
void run_start(struct run *run)
{
	run->server = start_child(run, run->peer->serve);
	if (pipe2(run->ready, O_CLOEXEC) < 0)
		peer_die("pipe");
	for (long i = 0; i < run->args.workers; i++)
		run->workers[i] = start_child(run, run->peer->work);
	close(run->ready[1]);
}

void run_worker_is_ready(struct run *run)
{
	if (write(run->ready[1], "", 1) != 1)
		peer_die("cannot say that a worker is ready");
	close(run->ready[1]);
	close(run->ready[0]);
}

void run_wait_for_workers(struct run *run)
{
	char byte;

	for (long i = 0; i < run->args.workers; i++)
		if (read(run->ready[0], &byte, 1) != 1)
			peer_die("a worker did not start");
	close(run->ready[0]);
}

/*
 * What a server prints on stdout would be taken for the answer, and on stderr some complain
 * about each connection that ends.
 */
void run_exec(struct run *run, char *argv[])
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		peer_die("/dev/null");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			peer_die("dup2");
	argv[0] = run->program;
	execv(run->program, argv);
	peer_die(run->program);
}

static void stop_child(pid_t pid)
{
	if (pid == 0)
		return;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

void run_stop(struct run *run)
{
	for (long i = 0; i < run->args.workers; i++)
		stop_child(run->workers[i]);
	stop_child(run->server);
	close(run->janitor[1]);
	while (waitpid(run->cleaner, NULL, 0) < 0 && errno == EINTR)
		continue;
}

struct cost run_cost(const struct run *run)
{
	struct cost cost = {0};

	cost_add_self(&cost, COST_CLIENT);
	if (run->server != 0)
		cost_add_process(&cost, COST_SERVER, run->server);
	for (long i = 0; i < run->args.workers; i++)
		if (run->workers[i] != 0)
			cost_add_process(&cost, COST_WORKERS, run->workers[i]);
	return cost;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A local compile replaces this process by the compiler, which inherits two
 * descriptors: the slot's file, locked with flock(2), and the coordinator's
 * socket.  No wrapper process remains to wait for the compiler or to forward
 * its status.  When the last process of the compile ends for any reason, the
 * kernel frees the slot and closes the socket, which notifies the coordinator.
 */
#include "cc/real-compiler.h"

#include "base/str.h"
#include "base/vec.h"
#include "base/which.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#define SLOTS_MAX 1024
/* with a lower soft limit, cc_real_compiler_is_limited() returns true */
#define STACK_MIN (UINT64_C(8) << 20)
#define FILES_MIN 64

void cc_real_compiler_print_error(const char *fmt, ...)
{
	char line[2 * PATH_MAX] = "kfarm-cc: ";
	size_t used = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + used, sizeof(line) - used - 1, fmt, ap);
	va_end(ap);
	used = strlen(line);
	line[used++] = '\n';
	/* If stderr is closed, the error cannot be reported. */
	if (write(STDERR_FILENO, line, used) < 0)
		return;
}

static bool is_kfarm_variable(const char *entry)
{
	return str_starts(entry, "KFARM_SOCKET=") ||
	       str_starts(entry, "KFARM_LINKS=") ||
	       str_starts(entry, "KFARM_PROBES=") ||
	       str_starts(entry, "KFARM_SLOTS=");
}

char *cc_real_compiler_find(char **argv0, bool launched, const char *links,
			    const char *path)
{
	char *compiler = NULL, *file;
	char cwd[PATH_MAX];

	if (strchr(*argv0, '/')) {
		compiler = which_find_real(*argv0);
		/*
		 * The coordinator accepts only absolute paths.  If the working
		 * directory is unknown, the path stays relative, and the call
		 * runs locally.
		 */
		if (!compiler && launched && !which_is_wrapper(*argv0))
			compiler = **argv0 == '/' || !getcwd(cwd, sizeof(cwd)) ?
					   xstrdup(*argv0) :
					   xasprintf("%s/%s", cwd, *argv0);
	}
	if (compiler) {
		*argv0 = compiler;
		return compiler;
	}

	compiler = which_compiler(str_base(*argv0), path, links);
	if (compiler && !strcmp(compiler, *argv0)) {
		/*
		 * which_compiler() has found this program, because it does not
		 * recognize a copy or a hard link of kfarm-cc as a wrapper.
		 */
		cc_real_compiler_print_error("%s: resolves to kfarm-cc itself",
					     *argv0);
		free(compiler);
		return NULL;
	}
	if (compiler)
		return compiler;

	/*
	 * The user can have a symbolic link with another name that points to a
	 * link in the masquerade directory.
	 */
	file = which(*argv0, path);
	compiler = file ? which_find_real(file) : NULL;
	if (compiler)
		*argv0 = compiler;
	else
		cc_real_compiler_print_error("%s: no such compiler in PATH",
					     *argv0);
	free(file);
	return compiler;
}

bool cc_real_compiler_is_c(const char *word)
{
	const char *name = str_base(word);

	/* An option or a setting of ccache can contain a compiler's name. */
	return *word != '-' && !strchr(word, '=') && !strchr(name, '+') &&
	       (strstr(name, "gcc") || strstr(name, "clang") ||
		!strcmp(name, "cc"));
}

char *cc_real_compiler_find_launcher(const char *word, const char *links,
				     const char *path)
{
	char *file = strchr(word, '/') ? which_find_real(word) : NULL;
	char *rest = path && links ? which_strip_path(path, links) : NULL;

	if (!file)
		file = which(word, links ? rest : path);
	if (!file)
		cc_real_compiler_print_error("%s: not found in PATH", word);
	free(rest);
	return file;
}

void cc_real_compiler_clean_env(char **env, const char *links)
{
	char **to = env;

	for (; *env; env++) {
		if (is_kfarm_variable(*env))
			continue;
		if (links && str_starts(*env, "PATH=")) {
			char *path = which_strip_path(*env + strlen("PATH="),
						      links);

			if (path)
				*to++ = xasprintf("PATH=%s", path);
			free(path);
		} else {
			*to++ = *env;
		}
	}
	*to = NULL;
}

int cc_real_compiler_move_fd(int fd)
{
	int higher;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return higher;
}

/*
 * Lock a free slot, or wait for one.  The first slot to try depends on the pid,
 * so that concurrent processes wait for different slots.
 */
static int lock_any_slot(const int *fds, int n)
{
	int first = getpid() % n;

	for (int i = 0; i < n; i++) {
		int fd = fds[(first + i) % n];

		if (!flock(fd, LOCK_EX | LOCK_NB))
			return fd;
	}
	while (flock(fds[first], LOCK_EX) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return fds[first];
}

int cc_real_compiler_lock_slot(const char *dir)
{
	int fds[SLOTS_MAX];
	char path[PATH_MAX];
	int n, fd;

	for (n = 0; n < SLOTS_MAX; n++) {
		snprintf(path, sizeof(path), "%s/%d", dir, n);
		/* On NFS, LOCK_EX needs a descriptor for writing (flock(2)). */
		fds[n] = cc_real_compiler_move_fd(
			open(path, O_RDWR | O_CLOEXEC));
		if (fds[n] < 0)
			break;
	}
	fd = n ? lock_any_slot(fds, n) : -1;
	for (int i = 0; i < n; i++) {
		if (fds[i] != fd)
			close(fds[i]);
	}
	if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
	return fd;
}

static bool is_limit_below(int resource, rlim_t least)
{
	struct rlimit limit;

	return !getrlimit(resource, &limit) && limit.rlim_cur < least;
}

bool cc_real_compiler_is_limited(void)
{
	static const int unlimited[] = { RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_DATA,
					 RLIMIT_CPU };

	for (size_t i = 0; i < ARRAY_SIZE(unlimited); i++) {
		if (is_limit_below(unlimited[i], RLIM_INFINITY))
			return true;
	}
	return is_limit_below(RLIMIT_STACK, STACK_MIN) ||
	       is_limit_below(RLIMIT_NOFILE, FILES_MIN) ||
	       fcntl(STDOUT_FILENO, F_GETFD) < 0 ||
	       fcntl(STDERR_FILENO, F_GETFD) < 0;
}

bool cc_real_compiler_can_write(int fd, struct bytes text)
{
	struct pollfd end = { .fd = fd, .events = POLLOUT };

	return !text.len || (poll(&end, 1, 0) >= 0 && !(end.revents & POLLERR));
}

bool cc_real_compiler_write(int fd, struct bytes in)
{
	while (in.len) {
		ssize_t n = write(fd, in.data, in.len);

		if (n >= 0) {
			in.data += n;
			in.len -= (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			poll(&p, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

int cc_real_compiler_exec(const char *compiler, char **argv, char *const *env)
{
	int code;

	/* If argv[0] had no slash, gcc would search PATH for its own file. */
	argv[0] = (char *)compiler;
	execve(compiler, argv, env);
	code = errno;
	cc_real_compiler_print_error("%s: %s", compiler, strerror(code));
	return code == ENOENT ? 127 : 126;
}

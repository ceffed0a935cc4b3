/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compare [-j WORKERS] [-n SCRIPTS] [-s FIRST_SEED] [-p] [-v] SH - Run random
 * scripts by dash and by SH and compare.
 *
 * Each script runs in a fresh directory of the same name.  Output, exit status
 * and files are compared.  Scripts with a fallback would run by dash both
 * times, so they are only counted, by reason.  -p only prints the first script,
 * -v lists those where dash is nondeterministic, crashes or times out.  Exits
 * with 1 if results differ.
 */
#include "generate.h"

#include "base/fs.h"
#include "base/str.h"
#include "shell/script.h"
#include "shell/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS    10 /* limit for one script */
#define NOBODY     65534
#define SHOWN      20 /* number of differences printed */
#define OUTPUT_MAX (1 << 20)

/* Sums over all workers, in shared memory. */
struct totals {
	unsigned long scripts, different, order, uncertain, crashed, stopped;
	unsigned long handed[SHELL_FALLBACK_N_REASONS];
};

static struct totals *totals;
/* contains the statistics and a directory for each worker */
static const char *base;
static const char *shell; /* a copy of SH in `base` */
static bool verbose;

struct outcome {
	int status;
	bool stopped; /* exceeded the time limit */
	struct buf out, err, files;
};

static void outcome_release(struct outcome *o)
{
	buf_release(&o->out);
	buf_release(&o->err);
	buf_release(&o->files);
}

static void die(const char *what)
{
	fprintf(stderr, "compare: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(name);
	close(fd);
}

static void remove_all(const char *name)
{
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (lstat(name, &st))
		return;
	if (!S_ISDIR(st.st_mode)) {
		unlink(name);
		return;
	}
	dir = opendir(name);
	while (dir && (entry = readdir(dir))) {
		char *path;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		path = xasprintf("%s/%s", name, entry->d_name);
		remove_all(path);
		free(path);
	}
	if (dir)
		closedir(dir);
	rmdir(name);
}

/* Create the files that each script finds in its current directory. */
static void make_files(void)
{
	write_file("a.c", "a\n", 0644);
	write_file("b.c", "b\n", 0644);
	write_file("sp ace", "space\n", 0644);
	write_file(".hid", "", 0644);
	write_file("f1", "l1\nl2 x\nl3\n", 0644);
	write_file("empty", "", 0644);
	write_file("inc", "v=inc; echo inc $#\n", 0644);
	write_file("script", "echo script $# $v $0\n", 0755);
	if (mkdir("sub", 0755))
		die("sub");
	write_file("sub/x.c", "x\n", 0644);
	write_file("sub/y.h", "y\n", 0644);
	if (symlink("a.c", "link"))
		die("link");
}

static void read_all(const char *name, struct buf *out)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char chunk[16384];
	ssize_t n;

	if (fd < 0)
		return;
	while (out->len < OUTPUT_MAX &&
	       (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(out, chunk, (size_t)n);
	close(fd);
}

/* List names, types, modes and contents of all files below `name`. */
static void list_files(const char *name, struct buf *out)
{
	struct dirent **entries;
	int n = scandir(name, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", name, entries[i]->d_name);
		char target[256];
		struct stat st;
		ssize_t len;

		if (!strcmp(entries[i]->d_name, ".") ||
		    !strcmp(entries[i]->d_name, "..") || lstat(path, &st))
			goto next;
		buf_printf(out, "%s %o\n", path, st.st_mode);
		if (S_ISLNK(st.st_mode)) {
			len = readlink(path, target, sizeof(target));
			buf_add(out, target, len > 0 ? (size_t)len : 0);
		} else if (S_ISDIR(st.st_mode)) {
			list_files(path, out);
		} else {
			read_all(path, out);
		}
next:
		free(path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void set_descriptor(int fd, const char *name, int flags)
{
	int opened = open(name, flags, 0644);

	if (opened < 0)
		_exit(126);
	if (opened != fd) {
		dup2(opened, fd);
		close(opened);
	}
}

static bool has_errexit(uint64_t seed)
{
	return seed % 5 == 1;
}

/*
 * In the child: set up stdin and -e as the seed determines, and run the script.
 */
static void become(bool ours, const char *script, uint64_t seed)
{
	char *env[] = { (char *)"PATH=/usr/bin:/bin",
			(char *)"HOME=/nonexistent/h o", (char *)"EXP=exported",
			NULL };
	bool errexit = has_errexit(seed);
	/*
	 * -c is given twice, so that the shell does not treat the text as a
	 * recipe line.
	 */
	const char *flags = ours ? (errexit ? "-cec" : "-cc") :
				   (errexit ? "-ec" : "-c");
	/* argv[0] of SH names the directory of the statistics. */
	char *argv[] = { (char *)(ours ? shell : "/bin/sh"), (char *)flags,
			 (char *)script, NULL };

	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	set_descriptor(1, "../out", O_WRONLY | O_TRUNC | O_CREAT);
	set_descriptor(2, "../err", O_WRONLY | O_TRUNC | O_CREAT);
	if (seed % 7 == 0)
		close(0);
	else
		set_descriptor(0, seed % 3 ? "../in" : "/dev/null", O_RDONLY);
	if (!geteuid() && (setgid(NOBODY) || setuid(NOBODY)))
		_exit(126);
	execve(ours ? shell : "/bin/dash", argv, env);
	_exit(126);
}

static volatile sig_atomic_t late;
static pid_t running;

static void stop_late(int sig)
{
	(void)sig;
	late = 1;
	kill(-running, SIGKILL);
}

static void run(bool ours, const char *script, uint64_t seed, struct outcome *o)
{
	*o = (struct outcome){ 0 };
	remove_all("w");
	if (mkdir("w", 0755) || chdir("w"))
		die("w");
	make_files();
	/* The files belong to the user of the script. */
	if (!geteuid()) {
		static const char *const names[] = {
			".",      "a.c", "b.c",     "sp ace",
			".hid",   "f1",  "empty",   "inc",
			"script", "sub", "sub/x.c", "sub/y.h",
		};

		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (chown(names[i], NOBODY, NOBODY))
				die(names[i]);
	}
	late = 0;
	running = fork();
	if (running < 0)
		die("fork");
	if (!running)
		become(ours, script, seed);
	alarm(SECONDS);
	while (waitpid(running, &o->status, 0) < 0 && errno == EINTR)
		;
	alarm(0);
	kill(-running, SIGKILL);
	o->stopped = late;
	if (chdir(".."))
		die("..");
	read_all("out", &o->out);
	read_all("err", &o->err);
	list_files("w", &o->files);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->status == b->status &&
	       bytes_equal(buf_bytes(&a->out), buf_bytes(&b->out)) &&
	       bytes_equal(buf_bytes(&a->err), buf_bytes(&b->err)) &&
	       bytes_equal(buf_bytes(&a->files), buf_bytes(&b->files));
}

static int compare_bytes(const void *a, const void *b)
{
	return *(const unsigned char *)a - *(const unsigned char *)b;
}

static void sort_bytes(struct buf *b)
{
	if (b->len)
		qsort(b->data, b->len, 1, compare_bytes);
}

/* Concurrent commands of a pipe print in any order. */
static bool same_but_order(struct outcome *a, struct outcome *b)
{
	sort_bytes(&a->out);
	sort_bytes(&b->out);
	sort_bytes(&a->err);
	sort_bytes(&b->err);
	sort_bytes(&a->files);
	sort_bytes(&b->files);
	return same(a, b);
}

static void show(uint64_t seed, const char *script, const struct outcome *dash,
		 const struct outcome *ours)
{
	struct buf text = { 0 };

	buf_printf(
		&text,
		"==== seed %llu%s\n%s---- dash: %#x\n%s%s---- ours: %#x\n%s%s",
		(unsigned long long)seed, has_errexit(seed) ? " -e" : "",
		script, dash->status, buf_str(&dash->out), buf_str(&dash->err),
		ours->status, buf_str(&ours->out), buf_str(&ours->err));
	if (!bytes_equal(buf_bytes(&dash->files), buf_bytes(&ours->files)))
		buf_printf(&text, "---- files of dash\n%s---- ours\n%s",
			   buf_str(&dash->files), buf_str(&ours->files));
	buf_add_str(&text, "\n");
	if (write(STDOUT_FILENO, text.data, text.len) < 0)
		die("stdout");
	buf_release(&text);
}

/* A defect of dash 0.5.12: `test !  a -a b -o`. */
static bool has_crashed(const struct outcome *dash)
{
	return (WIFSIGNALED(dash->status) &&
		WTERMSIG(dash->status) == SIGSEGV) ||
	       strstr(buf_str(&dash->err), "Segmentation fault");
}

/* Classify a difference: repeatable, or due to dash. */
static void judge(uint64_t seed, const char *script)
{
	struct outcome dash, again, ours;
	unsigned long *count = &totals->different;

	for (int i = 0; i < 3; i++) {
		bool stop;

		run(false, script, seed, &dash);
		run(false, script, seed, &again);
		run(true, script, seed, &ours);
		if (dash.stopped || ours.stopped)
			count = &totals->stopped;
		else if (has_crashed(&dash))
			count = &totals->crashed;
		else if (!same(&dash, &again))
			count = &totals->uncertain;
		else if (same(&dash, &ours))
			count = NULL;
		stop = count != &totals->different;
		if (i == 2 && !stop && totals->different < SHOWN)
			show(seed, script, &dash, &ours);
		if (i == 2 && !stop && strchr(script, '|') &&
		    same_but_order(&dash, &ours))
			count = &totals->order;
		outcome_release(&dash);
		outcome_release(&again);
		outcome_release(&ours);
		if (stop)
			break;
	}
	if (!count)
		return;
	__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
	if (verbose && count != &totals->different && count != &totals->order)
		dprintf(STDOUT_FILENO, "seed %llu: %s\n",
			(unsigned long long)seed,
			count == &totals->uncertain ? "dash is uncertain" :
			count == &totals->crashed   ? "dash crashes" :
						      "too slow");
}

/* Return true if the script needs a fallback, and count it. */
static bool is_handed(const char *text, uint64_t seed)
{
	char *env[] = { (char *)"PATH=/usr/bin:/bin",
			(char *)"HOME=/nonexistent/h o", (char *)"EXP=exported",
			NULL };
	const struct shell_script script = {
		.text = text,
		.name = "/bin/sh",
		.errexit = has_errexit(seed),
	};
	enum shell_fallback_reason why;

	if (shell_script_check(&script, env, &why) != -ENOTSUP)
		return false;
	__atomic_add_fetch(&totals->handed[why], 1, __ATOMIC_RELAXED);
	return true;
}

static void compare_one(const char *script, uint64_t seed)
{
	struct outcome dash, ours;
	bool equal;

	run(false, script, seed, &dash);
	run(true, script, seed, &ours);
	equal = same(&dash, &ours);
	outcome_release(&dash);
	outcome_release(&ours);
	if (!equal)
		judge(seed, script);
}

static void work(uint64_t first, uint64_t step, unsigned long n)
{
	struct buf script = { 0 };

	for (unsigned long i = 0; i < n; i++) {
		uint64_t seed = first + i * step;

		shell_generate(&script, seed);
		if (!is_handed(buf_str(&script), seed))
			compare_one(buf_str(&script), seed);
		__atomic_add_fetch(&totals->scripts, 1, __ATOMIC_RELAXED);
	}
	buf_release(&script);
}

static void start_worker(unsigned number, uint64_t first, unsigned workers,
			 unsigned long n)
{
	struct sigaction late_action = { .sa_handler = stop_late };
	char *dir = xasprintf("%s/%u", base, number);
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		sigaction(SIGALRM, &late_action, NULL);
		if (mkdir(dir, 0755) || chdir(dir))
			die(dir);
		write_file("in", "in1\nin2 x\nin3\n", 0644);
		work(first + number, workers,
		     n / workers + (number < n % workers));
		_exit(0);
	}
	free(dir);
}

static void copy_shell(const char *from)
{
	struct buf program = { 0 };
	int fd;

	read_all(from, &program);
	fd = open(shell, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	if (fd < 0 || !program.len ||
	    write(fd, program.data, program.len) != (ssize_t)program.len)
		die(from);
	close(fd);
	buf_release(&program);
}

/* The scripts run as another user. */
static void open_to_all(const char *directory)
{
	static const char *const names[] = { "counts", "handed" };

	for (size_t i = 0; i < 2; i++) {
		char *path = xasprintf("%s/%s", directory, names[i]);

		if (chmod(path, 0666))
			die(path);
		free(path);
	}
}

/* Prefer a file system in memory, because each script writes a dozen files. */
static char *new_directory(void)
{
	struct statvfs st;

	if (!statvfs("/dev/shm", &st) && !(st.f_flag & ST_NOEXEC) &&
	    st.f_bavail > (64 << 20) / st.f_frsize) {
		char *in_memory = xstrdup("/dev/shm/shell-compare.XXXXXX");

		if (mkdtemp(in_memory))
			return in_memory;
		free(in_memory);
	}
	return mkdtemp(xstrdup("/tmp/shell-compare.XXXXXX"));
}

/* Print fallbacks that shell_script_check() did not predict. */
static void print_unforeseen(const char *directory)
{
	char *path = xasprintf("%s/handed", directory);
	struct buf lines = { 0 };

	read_all(path, &lines);
	if (lines.len)
		printf("unforeseen: %s", buf_str(&lines));
	buf_release(&lines);
	free(path);
}

static void print_totals(const uint64_t counts[static SHELL_N_STATS])
{
	unsigned long handed = 0;

	for (int i = 0; i < SHELL_FALLBACK_N_REASONS; i++) {
		if (totals->handed[i])
			printf("handed on, %s: %lu\n",
			       shell_stats_fallback_reason_text(i),
			       totals->handed[i]);
		handed += totals->handed[i];
	}
	printf("%lu scripts: %lu differ, %lu only in the order of pipes, "
	       "%lu uncertain in dash, %lu that dash crashes at, %lu too slow, "
	       "%lu handed on, %llu unforeseen\n",
	       totals->scripts, totals->different, totals->order,
	       totals->uncertain, totals->crashed, totals->stopped, handed,
	       (unsigned long long)counts[SHELL_STAT_FALLBACKS]);
}

static int run_all(const char *sh, uint64_t first, unsigned workers,
		   unsigned long n)
{
	struct shell_stats counts;

	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	base = new_directory();
	if (totals == MAP_FAILED || !base || chmod(base, 0755))
		die("start");
	shell = xasprintf("%s/sh", base);
	copy_shell(sh);
	if (shell_stats_create(base, NULL))
		die(base);
	open_to_all(base);
	for (unsigned i = 0; i < workers; i++)
		start_worker(i, first, workers, n);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	shell_stats_read(base, &counts);
	print_unforeseen(base);
	print_totals(counts.counts);
	remove_all(base);
	return totals->different || totals->scripts != n;
}

int main(int argc, char **argv)
{
	unsigned long n = 1000;
	unsigned workers = 1;
	uint64_t first = 1;
	bool print = false;
	struct buf script = { 0 };
	int option;

	while ((option = getopt(argc, argv, "j:n:s:pv")) != -1) {
		if (option == 'j')
			workers = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'n')
			n = strtoul(optarg, NULL, 10);
		else if (option == 's')
			first = strtoull(optarg, NULL, 10);
		else if (option == 'p')
			print = true;
		else if (option == 'v')
			verbose = true;
		else
			return 2;
	}
	if (print) {
		shell_generate(&script, first);
		fputs(buf_str(&script), stdout);
		return 0;
	}
	if (!argv[optind] || !workers)
		return 2;
	umask(022);
	return run_all(argv[optind], first, workers, n);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench/send-jobs.c - Many compiler calls in one process, sent to the build
 * host like those of kfarm-cc, and what they cost.
 *
 *	kfarm run -- send-jobs DIR HEADERS TIMES STUBS PHASE...
 *
 * A PHASE is JOBS:CONCURRENCY, in which each result starts the next job, or
 * JOBS@RATE, in which RATE jobs per second arrive as a Poisson process.  Each
 * job compiles a source of its own in DIR, uNUMBER.c, which includes HEADERS
 * headers; the program writes the files.  The outputs are renamed as kfarm-cc
 * does it.  A phase prints one line:
 *
 *	jobs/s, jobs that were left to the local compiler, 50th and 99th
 *	percentile of the dispatch and of the time until the result, in us,
 *	CPU time per job of kfarm, of bench/stub-nodes.c (process STUBS) and of
 *	this program, in us, and the peak memory of kfarm (the parent process),
 *	in KiB
 *
 * The dispatch begins before this program connects to the build host, and ends
 * when the node has received the JOB (see TIMES in bench/stub-nodes.c).
 */
#include "base/clock.h"
#include "base/fs.h"
#include "base/random.h"
#include "base/str.h"
#include "wire/cc.h"
#include "wire/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define EVENTS 256

/* A job in flight.  A job that was left to the compiler ends at once. */
struct job {
	int fd;
	unsigned unit;
	struct buf in;
};

/* CPU times in us: of kfarm, of the stub nodes, and of this process */
struct cpu {
	uint64_t us[3];
};

static struct sockaddr_un socket_name = { .sun_family = AF_UNIX };
static char cwd[4096];
static int epoll;
static pid_t stubs;
static uint64_t *begin_us, *end_us, *arrival_us; /* by unit */
static unsigned n_units; /* units of all phases so far */
static unsigned n_running, n_local;

static void die(const char *what)
{
	fprintf(stderr, "send-jobs: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_text(const char *name, struct buf *text)
{
	struct err err;

	if (fs_write(name, buf_bytes(text), 0644, &err)) {
		fprintf(stderr, "send-jobs: %s\n", err.text);
		exit(1);
	}
	buf_release(text);
}

static void write_sources(unsigned headers, unsigned units)
{
	struct buf text = { 0 };
	char name[64];

	mkdir("include", 0755);
	for (unsigned i = 0; i < headers; i++) {
		snprintf(name, sizeof(name), "include/%u.h", i);
		for (unsigned k = 0; k < 40; k++)
			buf_printf(&text,
				   "extern int h%u_%u(int a, int b, int c);\n",
				   i, k);
		write_text(name, &text);
	}
	for (unsigned i = 0; i < units; i++) {
		snprintf(name, sizeof(name), "u%u.c", i);
		for (unsigned k = 0; k < headers; k++)
			buf_printf(&text, "#include <%u.h>\n", k);
		buf_printf(&text, "int u%u(void) { return %u; }\n", i, i);
		write_text(name, &text);
	}
}

/* wire_cc_root() of this process */
static char *root;

static void make_command(struct wire_cc_job *m, unsigned unit)
{
	/* options of kbuild */
	static const char flags[] =
		"gcc -nostdinc -Iinclude -D__KERNEL__ -fmacro-prefix-map=./= "
		"-Wall -Wundef -Wstrict-prototypes -Wno-trigraphs "
		"-fno-strict-aliasing -fno-common -fshort-wchar -fno-PIE "
		"-Wno-format-security -std=gnu11 -mno-sse -m64 -mno-red-zone "
		"-Wno-sign-compare -fno-asynchronous-unwind-tables "
		"-fno-delete-null-pointer-checks -Wno-frame-address -O2 "
		"-Wframe-larger-than=2048 -fno-stack-protector "
		"-Wimplicit-fallthrough=5 -Wno-main -Wvla -Wno-pointer-sign "
		"-fno-strict-overflow -fno-stack-check -fconserve-stack "
		"-Wno-array-bounds -Wdate-time -DKBUILD_MODFILE=\"m\" "
		"-DKBUILD_BASENAME=\"u\" -c -o";

	*m = (struct wire_cc_job){ .pid = (uint32_t)getpid(),
				   .umask = 022,
				   .root = root,
				   .cwd = cwd,
				   .compiler = (char *)"/usr/bin/gcc" };
	strv_split(&m->argv, flags, " ");
	strv_addf(&m->argv, "u%u.o", unit);
	strv_addf(&m->argv, "-Wp,-MMD,.u%u.o.d", unit);
	strv_addf(&m->argv, "u%u.c", unit);
	strv_add(&m->env, "PATH=/usr/bin:/bin");
	strv_add(&m->env, "LC_ALL=C");
}

static void start_job(void)
{
	struct job *job = xcalloc(1, sizeof(*job));
	struct wire_frame frame = { .type = WIRE_CC_JOB };
	uint8_t head[WIRE_FRAME_SIZE] = { 0 };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = job };
	struct buf out = { 0 };
	struct wire_cc_job m;

	job->unit = n_units++;
	make_command(&m, job->unit);
	buf_add(&out, head, sizeof(head));
	wire_cc_job_encode(&out, &m);
	frame.body_len = frame.raw_len = (uint32_t)(out.len - sizeof(head));
	wire_frame_encode(out.data, &frame);
	strv_release(&m.argv);
	strv_release(&m.env);

	begin_us[job->unit] = clock_us();
	job->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (job->fd < 0 ||
	    connect(job->fd, (struct sockaddr *)&socket_name,
		    sizeof(socket_name)) ||
	    send(job->fd, out.data, out.len, MSG_NOSIGNAL) !=
		    (ssize_t)out.len ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, job->fd, &event))
		die("send");
	buf_release(&out);
	n_running++;
}

static void finish_job(struct job *job)
{
	end_us[job->unit] = clock_us();
	close(job->fd);
	buf_release(&job->in);
	free(job);
	n_running--;
}

/* All units rename their outputs to the same names, to save disk space. */
static void deliver(struct bytes body)
{
	struct wire_cc_done m;

	if (wire_cc_done_decode(&m, body) || m.status || m.err.len ||
	    rename(m.dep_tmp, ".done.o.d") || rename(m.object_tmp, "done.o"))
		die("unexpected result");
	wire_cc_done_release(&m);
}

/* Receive messages.  Returns true if the job has ended. */
static bool receive(struct job *job)
{
	uint8_t chunk[4096];
	ssize_t n = recv(job->fd, chunk, sizeof(chunk), 0);
	struct wire_frame frame;

	if (n <= 0)
		die("recv");
	buf_add(&job->in, chunk, (size_t)n);
	while (job->in.len >= WIRE_FRAME_SIZE) {
		if (wire_frame_decode(&frame, job->in.data))
			die("broken frame");
		if (job->in.len < WIRE_FRAME_SIZE + frame.body_len)
			return false;
		if (frame.type == WIRE_CC_DONE)
			deliver(bytes_of(job->in.data + WIRE_FRAME_SIZE,
					 frame.body_len));
		n_local += frame.type == WIRE_CC_LOCAL;
		if (frame.type != WIRE_CC_BEAT)
			return true;
		buf_consume(&job->in, WIRE_FRAME_SIZE + frame.body_len);
	}
	return false;
}

/* Wait for results at most until `until_us`.  Returns the number of results. */
static unsigned receive_results(uint64_t until_us)
{
	uint64_t now = clock_us();
	struct epoll_event events[EVENTS];
	uint64_t left = until_us > now ? until_us - now : 0;
	struct timespec wait = { (time_t)(left / 1000000),
				 (long)(left % 1000000) * 1000 };
	int n = epoll_pwait2(epoll, events, EVENTS, &wait, NULL);
	unsigned done = 0;

	for (int i = 0; i < n; i++) {
		if (!receive(events[i].data.ptr))
			continue;
		finish_job(events[i].data.ptr);
		done++;
	}
	return done;
}

static void run_closed(unsigned jobs, unsigned concurrency)
{
	unsigned last = n_units + jobs;

	while (n_units < last && n_running < concurrency)
		start_job();
	while (n_running) {
		unsigned n = receive_results(UINT64_MAX / 2);

		while (n-- && n_units < last)
			start_job();
	}
}

static void run_open(unsigned jobs, double rate)
{
	unsigned last = n_units + jobs;
	double due_us = (double)clock_us();
	uint64_t seed = 1;

	while (n_units < last || n_running) {
		uint64_t now = clock_us();

		while (n_units < last && (double)now >= due_us) {
			double u = (double)(random_next(&seed) >> 11) * 0x1p-53;

			start_job();
			due_us -= log(1 - u) * 1e6 / rate;
		}
		receive_results(n_units < last ? (uint64_t)due_us :
						 UINT64_MAX / 2);
	}
}

static uint64_t process_cpu_us(pid_t pid)
{
	unsigned long user = 0, system = 0;
	char path[64], line[1024] = "";
	const char *end;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f || !fgets(line, sizeof(line), f))
		die(path);
	fclose(f);
	end = strrchr(line, ')');
	if (!end || sscanf(end + 1,
			   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
			   "%*u %lu %lu",
			   &user, &system) != 2)
		die(path);
	return (user + system) * 1000000 / (unsigned long)sysconf(_SC_CLK_TCK);
}

static struct cpu sample_cpu(void)
{
	return (struct cpu){ { process_cpu_us(getppid()), process_cpu_us(stubs),
			       process_cpu_us(getpid()) } };
}

static unsigned long peak_kib(void)
{
	unsigned long kib = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)getppid());
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmHWM: %lu", &kib);
	if (f)
		fclose(f);
	return kib;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Print two percentiles of the differences; local jobs have none. */
static void print_percentiles(const uint64_t *to, unsigned from, unsigned until)
{
	uint64_t *us = xcalloc(until - from + 1, sizeof(*us));
	size_t n = 0;

	for (unsigned i = from; i < until; i++) {
		if (arrival_us[i])
			us[n++] = to[i] - begin_us[i];
	}
	qsort(us, n, sizeof(*us), compare);
	printf("%llu\t%llu\t", (unsigned long long)us[n / 2],
	       (unsigned long long)us[n * 99 / 100]);
	free(us);
}

static void run_phase(const char *phase)
{
	unsigned jobs = (unsigned)atoi(phase), first = n_units;
	const char *mode = phase + strcspn(phase, ":@");
	struct cpu before = sample_cpu(), after;
	uint64_t began = clock_us(), took;

	n_local = 0;
	if (*mode == ':')
		run_closed(jobs, (unsigned)atoi(mode + 1));
	else
		run_open(jobs, atof(mode + 1));
	took = clock_us() - began;
	after = sample_cpu();
	printf("%s\t%.0f\t%u\t", phase, jobs * 1e6 / (double)took, n_local);
	print_percentiles(arrival_us, first, n_units);
	print_percentiles(end_us, first, n_units);
	for (int i = 0; i < 3; i++)
		printf("%llu\t",
		       (unsigned long long)(after.us[i] - before.us[i]) / jobs);
	printf("%lu\n", peak_kib());
	fflush(stdout);
}

static void map_times(const char *path, unsigned units)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) ||
	    (size_t)st.st_size < units * sizeof(*arrival_us))
		die(path);
	arrival_us = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd,
			  0);
	if (arrival_us == MAP_FAILED)
		die(path);
	close(fd);
	begin_us = xcalloc(units + 1, sizeof(*begin_us));
	end_us = xcalloc(units + 1, sizeof(*end_us));
}

int main(int argc, char **argv)
{
	const struct rlimit files = { 16384, 16384 };
	const char *path = getenv("KFARM_SOCKET");
	unsigned units = 0;

	if (argc < 6 || !path || strlen(path) >= sizeof(socket_name.sun_path))
		return 2;
	setrlimit(RLIMIT_NOFILE, &files);
	strcpy(socket_name.sun_path, path);
	for (int i = 5; i < argc; i++)
		units += (unsigned)atoi(argv[i]);
	map_times(argv[3], units);
	stubs = (pid_t)atoi(argv[4]);
	if (chdir(argv[1]) || !getcwd(cwd, sizeof(cwd)))
		die(argv[1]);
	umask(022);
	root = wire_cc_root();
	write_sources((unsigned)atoi(argv[2]), units);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 5; i < argc; i++)
		run_phase(argv[i]);
	return 0;
}

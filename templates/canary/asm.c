/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inline assembly: operands, clobbers, sections, code like asm-offsets.c. */
struct thread {
	long flags;
	void *stack;
	int cpu;
};

unsigned long canary_asm(unsigned long a, unsigned long b);
void canary_offsets(void);
int canary_goto(int a);

unsigned long canary_asm(unsigned long a, unsigned long b)
{
	unsigned long out;

#if defined(__aarch64__)
	__asm__ volatile("add %0, %1, %2, lsl #3\n\tdmb ish"
			 : "=r"(out) : "r"(a), "r"(b) : "memory", "cc");
#elif defined(__arm__)
	__asm__ volatile("add %0, %1, %2, lsl #3"
			 : "=r"(out) : "r"(a), "r"(b) : "memory", "cc");
#elif defined(__x86_64__)
	__asm__ volatile("leaq 3(%1,%2,8), %0\n\tmfence"
			 : "=r"(out) : "r"(a), "r"(b) : "memory", "cc");
#elif defined(__riscv)
	__asm__ volatile("add %0, %1, %2\n\tfence rw, rw"
			 : "=r"(out) : "r"(a), "r"(b) : "memory");
#else
	__asm__ volatile("" : "=r"(out) : "0"(a), "r"(b) : "memory");
#endif
	__asm__(".pushsection .canary, \"a\"\n\t.long 0x12345678\n\t.popsection");
	return out;
}

#define DEFINE(name, value)						\
	__asm__ volatile("\n.ascii \"->" #name " %0 " #value "\"" : : "i"(value))

void canary_offsets(void)
{
	DEFINE(THREAD_STACK, __builtin_offsetof(struct thread, stack));
	DEFINE(THREAD_CPU, __builtin_offsetof(struct thread, cpu));
	DEFINE(THREAD_SIZE, sizeof(struct thread));
}

int canary_goto(int a)
{
	__asm__ goto("" : : "r"(a) : "memory" : away);
	return a + 1;
away:
	return -a;
}

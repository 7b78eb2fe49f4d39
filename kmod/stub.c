// SPDX-License-Identifier: GPL-2.0
/*
 * What is built for a kernel that has not got what the module needs: it fails
 * to load and says why, and the build, and with it the kernel's upgrade, works.
 */
#include <linux/init.h>
#include <linux/module.h>

static int __init stub_init(void)
{
	pr_err("this kernel cannot freeze from a module, missing: %s\n", FSFREEZE_MISSING);
	return -EOPNOTSUPP;
}

static void __exit stub_exit(void)
{
}

module_init(stub_init);
module_exit(stub_exit);

MODULE_DESCRIPTION("Stub: this kernel cannot freeze from a module");
MODULE_LICENSE("GPL");
MODULE_VERSION(FSFREEZE_VERSION);

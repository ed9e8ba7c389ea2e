/* The lines that hutch's patch is for. */
	return _uk_thread_call_inittab(t);
}

/** Initializes uk_thread struct and allocates stack & TLS */
static int _uk_thread_struct_init_alloc(struct uk_thread *t,
					struct uk_alloc *a_stack,

			rc = -ENOMEM;
			goto err_out;
		}
	}

	if (a_stack && stack_len) {

		if (!auxstack)
			goto err_free_thread;

		auxsp = ukarch_gen_sp(auxstack, auxstack_len);
	}


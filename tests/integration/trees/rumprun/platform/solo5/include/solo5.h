/* of a Solo5 before 0.6 */

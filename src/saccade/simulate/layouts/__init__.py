"""Writers of the layouts of public data sets; `saccade.simulate.job.LAYOUTS` names them."""

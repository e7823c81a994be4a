"""From a model and its options to what actions need, with every option checked at start-up."""

# What estimatr and clubSandwich say of the panels beside this file: one line of CSV for each arm and way.
# Run in this folder, with Debian 13's r-cran-estimatr and r-cran-clubsandwich: Rscript estimates.R > lin.csv
suppressPackageStartupMessages({library(estimatr); library(clubSandwich)})
cat("case,arm,way,effect,error,low,high,p,df\n")
said <- function(...) cat(paste(..., sep = ","), "\n", sep = "")
digits <- function(x) formatC(x, digits = 17, format = "g")
for (file in sort(list.files(pattern = "^[a-z-]+-.*\\.csv$"))) {
  panel <- read.csv(file, check.names = FALSE)
  arm <- panel[[2]]
  use <- as.matrix(panel[grep("^use ", names(panel))])
  days <- as.matrix(panel[grep("^days ", names(panel))])
  days[is.na(use)] <- 0
  use[is.na(use)] <- 0
  home <- data.frame(
    home = panel$home, y = rowSums(use * days) / rowSums(days),
    year = panel[["prior year"]], summer = panel[["prior summer"]], winter = panel[["prior winter"]]
  )
  for (one in setdiff(unique(arm), "nothing")) {
    kept <- (arm == one | arm == "nothing") & rowSums(days) > 0
    data <- cbind(home, t = as.numeric(arm == one))[kept, ]
    case <- sub("\\.csv$", "", file)
    fit <- lm_lin(y ~ t, covariates = ~ year + summer + winter, data = data, se_type = "HC2")
    row <- summary(fit)$coefficients["t", ]
    said(case, one, "lm_lin HC2", digits(row[1]), digits(row[2]), digits(row[5]), digits(row[6]), digits(row[4]), digits(row[7]))
    about <- transform(data, year = year - mean(year), summer = summer - mean(summer), winter = winter - mean(winter))
    if (max(abs(about$summer - about$winter)) == 0) about$winter <- NULL
    formula <- if (is.null(about$winter)) y ~ t * (year + summer) else y ~ t * (year + summer + winter)
    plain <- lm(formula, data = about)
    cr2 <- vcovCR(plain, cluster = about$home, type = "CR2")
    said(case, one, "clubSandwich CR2", digits(coef(plain)["t"]), digits(sqrt(cr2["t", "t"])), "", "", "", "")
  }
}
